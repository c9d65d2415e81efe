/** The page: a file in, a picture and figures out. */

import * as ort from "./vendor/ort.wasm.min.mjs";
import { decodeDepth } from "./png16.js";
import { segment } from "./segment.js";

const HAND = [230, 159, 0], OBJECT = [61, 155, 224];
/** @param {string} id @returns {any} */
const by = (id) => document.getElementById(id);
/** @type {{frame: any, labels: Uint8Array, certainty: Float32Array} | null} */
let shown = null;
/** @type {File | null} */
let file = null;
let mode = "labels", turn = 0;

const ready = load();
ready.then(({ model }) => { by("engine").textContent = `${model.name} · WebAssembly`; }, complain);

/** The network behind one call, and what its file says of it. */
async function load() {
  ort.env.wasm.wasmPaths = new URL("vendor/", document.baseURI).href;
  ort.env.wasm.numThreads = 1;
  const answer = await fetch("vendor/model.json");
  if (!answer.ok) throw new Error("The model is not there: run python examples/web/fetch.py first.");
  const model = await answer.json();
  const session = await ort.InferenceSession.create("vendor/model.onnx", { executionProviders: ["wasm"] });
  /** @type {import("./segment.js").Network} */
  const network = async (depth, side, angle) => {
    const found = await session.run({
      depth: new ort.Tensor("float32", depth, [1, 1, side, side]),
      pixel_angle: new ort.Tensor("float32", Float32Array.of(angle), [1]),
    });
    return found.probabilities.data;
  };
  return { model, network };
}

/** Segment the file; a newer one that comes meanwhile counts. */
async function run() {
  if (!file) return;
  const mine = ++turn;
  by("message").hidden = true;
  by("wait").hidden = false;
  try {
    const image = await decodeDepth(await file.arrayBuffer());
    const unit = positive("unit", 0.001);
    const fx = positive("focal", 475 * Math.max(image.width, image.height) / 640);
    const { model, network } = await ready;
    const frame = { ...image, unit, fx }, start = performance.now();
    const found = await segment(frame, network, model);
    if (mine !== turn) return;
    shown = { frame, ...found };
    tell(found, performance.now() - start);
    draw();
  } catch (error) {
    if (mine === turn) complain(error);
  } finally {
    if (mine === turn) by("wait").hidden = true;
  }
}

/** A number above 0 of a field, or what counts when it is empty. @param {string} id @param {number} usual */
function positive(id, usual) {
  const text = by(id).value.trim().replace(",", "."), value = text === "" ? usual : Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new Error(`${by(id).parentElement.textContent.trim()} is "${text}": expected a number above 0.`);
  return value;
}

/** @param {{labels: Uint8Array, certainty: Float32Array, runs: number}} found @param {number} ms */
function tell({ labels, certainty, runs }, ms) {
  const { width, height } = /** @type {any} */ (shown).frame, counts = [0, 0, 0];
  let sum = 0;
  labels.forEach((label, i) => { counts[label]++; if (label) sum += certainty[i]; });
  const all = counts[1] + counts[2];
  by("hand").textContent = `${counts[1].toLocaleString("en")} px`;
  by("object").textContent = `${counts[2].toLocaleString("en")} px`;
  by("sure").textContent = all ? `${(100 * sum / all).toFixed(1)} %` : "nothing found";
  by("hand-bar").style.width = all ? `${100 * counts[1] / all}%` : "0";
  by("object-bar").style.width = all ? `${100 * counts[2] / all}%` : "0";
  by("size").textContent = `${width} × ${height}`;
  by("time").textContent = `${ms.toFixed(0)} ms`;
  by("runs").textContent = String(runs);
  by("save").disabled = false;
}

/** Depth as gray, near is bright, with hand and object tinted. */
function draw() {
  if (!shown) return;
  const { frame: { width, height, depth }, labels, certainty } = shown;
  const canvas = by("picture"), tint = Number(by("tint").value) / 100, gray = shades(depth);
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < depth.length; i++) {
    const label = labels[i], color = label === 1 ? HAND : OBJECT;
    let share = label && mode !== "depth" ? tint : 0;
    if (mode === "sure" && label) share *= Math.max(0, Math.min(1, (certainty[i] - 0.5) * 2));
    const x = i % width;
    const edge = mode === "labels" && label > 0 && (labels[i - width] !== label || labels[i + width] !== label
      || (x > 0 && labels[i - 1] !== label) || (x < width - 1 && labels[i + 1] !== label));
    if (edge) share = Math.max(share, 0.95);
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = gray[i] * (1 - share) + color[c] * share * (edge ? 1 : 0.35 + 0.65 * gray[i] / 255);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.hidden = false;
  by("drop").hidden = true;
}

/** Gray by distance, from the 1 % nearest to the 95 % nearest pixel. @param {Uint16Array} depth */
function shades(depth) {
  const sorted = depth.filter((value) => value > 0).sort();
  const near = sorted[Math.floor(0.01 * sorted.length)] ?? 1, far = sorted[Math.floor(0.95 * sorted.length)] ?? 2;
  return Uint8ClampedArray.from(depth, (value) => value ? 30 + 215 * (1 - (value - near) / Math.max(far - near, 1)) ** 1.3 || 30 : 0);
}

/** @param {unknown} error */
function complain(error) {
  by("message").textContent = error instanceof Error ? error.message : String(error);
  by("message").hidden = false;
}

/** Labels as a PNG with 0, 1 and 2, as `graspseg segment` writes them but in three channels. */
function save() {
  if (!shown || !file) return;
  const { frame: { width, height }, labels } = shown, canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  labels.forEach((label, i) => image.data.set([label, label, label, 255], 4 * i));
  /** @type {any} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  const name = file.name.replace(/\.png$/i, "-labels.png");
  canvas.convertToBlob({ type: "image/png" }).then((blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

/** @param {File | null | undefined} given */
function take(given) {
  if (!given) return;
  file = given;
  run();
}

by("file").addEventListener("change", (/** @type {any} */ event) => { take(event.target.files[0]); event.target.value = ""; });
addEventListener("dragover", (event) => { event.preventDefault(); by("stage").classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) by("stage").classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  by("stage").classList.remove("over");
  take(event.dataTransfer?.files[0]);
});
for (const id of ["unit", "focal"]) by(id).addEventListener("change", run);
by("tint").addEventListener("input", draw);
by("save").addEventListener("click", save);
for (const button of document.querySelectorAll("[data-mode]")) {
  button.addEventListener("click", () => {
    mode = /** @type {HTMLElement} */ (button).dataset.mode ?? mode;
    for (const other of document.querySelectorAll("[data-mode]")) other.setAttribute("aria-checked", String(other === button));
    draw();
  });
}

/** For tests: what is shown. */
Object.assign(globalThis, { graspsegShown: () => shown });
