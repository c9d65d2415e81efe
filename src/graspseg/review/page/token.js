/**
 * The secret of the server's run. It comes with the address that was printed, is kept where only pages of this host and
 * port can read it, and is sent in a header: a cookie would go to the servers of every other port, too.
 */

const NAME = "graspseg-token";
let own = ""; // where the browser keeps nothing

/** Keeps the token of the address, if it has one. */
export function takeToken() {
  const given = new URLSearchParams(location.search).get("token");
  if (!given) return;
  own = given;
  try {
    localStorage.setItem(NAME, given);
  } catch {
    // this page goes on without
  }
}

/** The newest token of this browser: the server may have been started anew, and another tab opened. */
export function token() {
  try {
    return localStorage.getItem(NAME) ?? own;
  } catch {
    return own;
  }
}
