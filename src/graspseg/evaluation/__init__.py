"""Any segmenter on any labelled frames: scores, what trivial rules reach there, worst frames, speed."""
