/** Shapes of what the page's modules hand to each other; of the server's answers, what docs/annotate/review-server.md says. */

export interface Point {
  x: number;
  y: number;
}

/** In picture pixels, ends excluded. */
export interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface DepthWindow {
  nearM: number;
  farM: number;
}

export type Decision = "accepted" | "rejected";
export type Order = "confidence" | "name";
export type Filter = "todo" | "rejected" | "accepted" | "edited" | "all";
export type ToolName = "look" | "brush" | "eraser" | "flood" | "polygon";
export type Rgb = [number, number, number];
export type Palette = Record<number, Rgb>;
export type Visit = (index: number) => void;

/** How frames are shown; kept by the settings. `window`: null follows every frame. `opacity`: 0 to 1. */
export interface Look {
  base: "color" | "depth";
  layout: "one" | "both" | "model";
  overlay: boolean;
  opacity: number;
  disagreement: boolean;
  window: DepthWindow | null;
}

/** `size`: of the brush, picture pixels across. */
export interface Settings extends Look {
  tool: ToolName;
  label: number;
  size: number;
  toleranceMm: number;
  protect: boolean;
}

export interface Progress {
  all: number;
  todo: number;
  accepted: number;
  rejected: number;
  acceptance_rate: number | null;
}

export interface Session {
  folder: string;
  reviewer: string;
  model: string | null;
  read_only: string | null;
  classes: { value: number; name: string; color: Rgb }[];
  progress: Progress;
}

export interface HistoryEvent {
  at_s: number;
  reviewer: string;
  action: string;
}

/** Addresses of a frame's pictures; null where there is none. */
export interface MediaAddresses {
  depth: string;
  color: string | null;
  labels: string | null;
  prediction: string | null;
}

/** A frame as the server describes it. */
export interface FrameInfo {
  id: number;
  stem: string;
  confidence: number | null;
  evidence: Record<string, number> | null;
  decision: Decision | null;
  edited: boolean;
  revision: number;
  labels_version: string;
  media: MediaAddresses;
  depth_is_cut: boolean;
  held_by: string | null;
  last: { reviewer: string } | null;
}

export interface Handout {
  frames: FrameInfo[];
  held_by_others: number;
  ranking: string | null;
  progress: Progress;
}

/** What the server answers to an action. */
export interface Answer {
  frame: FrameInfo;
  progress: Progress;
  warning?: string | null;
}

/** Of a frame and its labels as they were seen. */
export interface Seen {
  revision: number;
  version?: string;
}

/** Decoded pictures of a frame; depth as stored, 0 = not measured. */
export interface Pictures extends Size {
  unitM: number;
  depth: Uint16Array;
  labels: Uint8Array;
  labelsVersion: string | null;
  color: ImageBitmap | null;
  unreadable: string[];
}

/** One stroke: which pixels it changed, and their labels on both sides of it. */
export interface Patch {
  indices: Uint32Array;
  before: Uint8Array;
  after: Uint8Array;
}

export interface Draft {
  done: Patch[];
  undone: Patch[];
  corners: Point[];
}

export interface KeptDraft {
  id: number;
  draft: Draft;
}

export type ActionKind = "decision" | "labels" | "undo";

/** What a person did to a frame, before it is sent; which fields it has beside, its kind says. */
export interface Step extends Partial<Seen> {
  kind: ActionKind;
  id: number;
  stem: string;
  decision?: Decision | null;
  labels?: Uint8Array;
  draft?: Draft | null;
  undoes?: ActionKind;
  leaves?: Decision | null;
}

export interface Action extends Step {
  seq: number;
  request: string;
}

export interface Changes {
  drafts?: KeptDraft[];
  noDrafts?: number[];
  actions?: Action[];
  noActions?: number[];
}

export interface Found {
  indices: Uint32Array;
  rect: Rect;
}

/** What is drawn above the picture. */
export interface Marks {
  cursor: Point | null;
  radius: number;
  ring: boolean;
  corners: Point[];
  noted: Point[];
  preview: HTMLCanvasElement | null;
}
