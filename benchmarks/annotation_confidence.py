"""How well `confidence.csv` predicts which annotations are bad, on synthetic RGB-D with truth; and its weights.

    graspseg synth --out FIT --preset interseghands --clips 100 --length 6 --color rig --color-error-px 3 --seed 4101
    graspseg synth --out HELD --preset interseghands --clips 100 --length 6 --color rig --color-error-px 3 \
        --seed 4202 --split unseen
    python benchmarks/annotation_confidence.py collect FIT fit.json
    python benchmarks/annotation_confidence.py collect HELD held.json
    python benchmarks/annotation_confidence.py fit fit.json
    python benchmarks/annotation_confidence.py measure held.json

Every clip is a recording of its own: its skin model comes from its own frames, without truth. `fit` writes
`src/graspseg/annotate/confidence_weights.json`, `measure` writes `benchmarks/results/annotation_confidence.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.optimize import minimize
from scipy.stats import spearmanr

import graspseg.annotate
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.confidence import Kind, Row, Term, Weights, add_jumps, score
from graspseg.annotate.opinion import compare
from graspseg.annotate.settings import AnnotateSettings
from graspseg.datasets.folder import FolderDataset
from graspseg.evaluation.annotation_exam import window_labels
from graspseg.evaluation.machine import describe_machine
from graspseg.labels import HAND, OBJECT
from graspseg.segment.segmenter import Segmenter
from graspseg.sources.rgbd import open_rgbd

WEIGHTS = Path(graspseg.annotate.__file__).parent / "confidence_weights.json"
RESULT = Path(__file__).parent / "results" / "annotation_confidence.json"
GOOD_IOU = 0.9
SHOWN = 0.2
