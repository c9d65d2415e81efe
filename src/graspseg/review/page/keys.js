/** Every key and what it does: one table for the keyboard, the help and the tests. */

/** [action, chords, what the help says]. "": listed in the line above; null: in a note. */
export const KEYS = {
  Decide: [
    ["accept", ["A"], "accept, with what you painted"],
    ["reject", ["R"], "reject"],
    ["skip", ["S"], "skip, decide later"],
    ["undo", ["Z", "Ctrl+Z"], "take back the last stroke, else the last decision"],
    ["redo", ["Y", "Ctrl+Y", "Shift+Z", "Ctrl+Shift+Z"], "paint the stroke again"],
  ],
  Move: [
    ["next", ["N", "PageDown"], "next frame"],
    ["previous", ["P", "PageUp"], "previous frame"],
    ["unsaved", ["U"], "what is not saved: send it, go to painted frames"],
    ["queue", ["Q"], "choose frames, order, your name"],
    ["help", ["?"], "this list"],
  ],
  See: [
    ["color", ["C"], "color"],
    ["depth", ["D"], "depth"],
    ["both", ["W"], "color beside depth"],
    ["model", ["M"], "labels beside the model's"],
    ["disagreement", ["X"], "only where labels and model differ"],
    ["overlay", ["O"], "show or hide the overlay"],
    ["clearer", ["Semicolon"], "overlay clearer, denser"],
    ["denser", ["Quote"], ""],
    ["nearCloser", ["Comma"], "nearest depth shown: closer, farther"],
    ["nearFarther", ["Period"], ""],
    ["farCloser", ["Shift+Comma"], "farthest depth shown: closer, farther"],
    ["farFarther", ["Shift+Period"], ""],
    ["autoWindow", ["L"], "depth window follows every frame"],
    ["zoomIn", ["+", "="], "zoom in (wheel)"],
    ["zoomOut", ["-"], "zoom out (wheel)"],
    ["fit", ["0"], "whole frame"],
    ["info", ["I"], "evidence and history"],
  ],
  Paint: [
    ["look", ["V", "Escape"], "look and move; drops an unfinished shape"],
    ["brush", ["B"], "brush (right button erases)"],
    ["eraser", ["E"], "eraser"],
    ["flood", ["F"], "flood where depth is similar"],
    ["polygon", ["G"], "polygon"],
    ["hand", ["1"], "hand"],
    ["object", ["2"], "object"],
    ["ignore", ["3"], "ignore: not trained on"],
    ["protect", ["K"], "protect the other classes"],
    ["smaller", ["BracketLeft"], "smaller, larger brush or flood (Shift and wheel)"],
    ["larger", ["BracketRight"], ""],
    ["takePatch", ["T"], "take the model's patch under the cursor"],
    ["takeAll", ["Shift+T"], "take all of the model's labels"],
  ],
  "Cursor of brush, eraser, flood, polygon": [
    ["left", ["ArrowLeft", "Shift+ArrowLeft", "Ctrl+ArrowLeft"], null],
    ["right", ["ArrowRight", "Shift+ArrowRight", "Ctrl+ArrowRight"], null],
    ["up", ["ArrowUp", "Shift+ArrowUp", "Ctrl+ArrowUp"], null],
    ["down", ["ArrowDown", "Shift+ArrowDown", "Ctrl+ArrowDown"], null],
    ["press", ["Space"], "paint while held, flood, set a corner"],
    ["close", ["Enter"], "close the polygon"],
    ["dropCorner", ["Backspace"], "take a corner back"],
  ],
};

const NOTES = {
  "Cursor of brush, eraser, flood, polygon": [
    ["← ↑ → ↓", "move 4 pixels"],
    ["Ctrl ←", "move 1 pixel"],
    ["Shift ←", "move 24 pixels"],
  ],
  Move: [
    ["← →", "previous and next, while looking"],
    ["Shift ←", "move the view, while looking"],
  ],
};

const SIGNS = {
  Semicolon: ";",
  Quote: "'",
  Comma: ",",
  Period: ".",
  BracketLeft: "[",
  BracketRight: "]",
  Escape: "Esc",
  Backspace: "⌫",
  PageDown: "Page ↓",
  PageUp: "Page ↑",
};

const ACTIONS = new Map(Object.values(KEYS).flatMap((rows) => rows.flatMap(([action, chords]) => chords.map((c) => [c, action]))));
const REPEATING = new Set(
  "next previous undo redo clearer denser nearCloser nearFarther farCloser farFarther zoomIn zoomOut smaller larger left right up down dropCorner".split(" "),
);

/** The chord of a key event, such as "Ctrl+Z": letters and signs by what is printed on the key, the rest by its place. */
export function chordOf(event) {
  const { key, code } = event;
  if (["?", "+", "=", "-"].includes(key) && !event.ctrlKey && !event.metaKey) return key;
  let name = code.replace(/^(Digit|Numpad)(?=\d$)/, "");
  if (/^[a-z]$/i.test(key)) name = key.toUpperCase();
  else if (/^Key[A-Z]$/.test(code)) name = code.slice(3);
  else if (code === "NumpadEnter") name = "Enter";
  const held = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift"];
  return [...held.filter(Boolean), name].join("+");
}

/** The action of a key event; null when it has none, or is only repeated because the key is held. */
export function actionOf(event) {
  const action = ACTIONS.get(chordOf(event)) ?? null;
  return event.repeat && !REPEATING.has(action) ? null : action;
}

function shown(chord) {
  return chord
    .split("+")
    .map((part) => SIGNS[part] ?? part)
    .join(" ")
    .trim() || "+";
}

function row(keys, says) {
  const term = document.createElement("dt");
  for (const key of keys) {
    const sign = document.createElement("kbd");
    sign.textContent = key;
    term.append(sign, " ");
  }
  const meaning = document.createElement("dd");
  meaning.textContent = says;
  return [term, meaning];
}

function helpRows(rows) {
  const lines = [];
  for (const [, chords, says] of rows) {
    if (says) lines.push([chords.slice(0, 2).map(shown), says]);
    else if (says === "") lines.at(-1)[0].push(shown(chords[0]));
  }
  return lines;
}

/** Sections of the help. */
export function helpSections() {
  return Object.entries(KEYS).map(([title, rows]) => {
    const section = document.createElement("section");
    const heading = document.createElement("h2");
    heading.textContent = title;
    const list = document.createElement("dl");
    for (const [keys, says] of helpRows(rows)) list.append(...row(keys, says));
    for (const [keys, says] of NOTES[title] ?? []) list.append(...row([keys], says));
    section.append(heading, list);
    return section;
  });
}
