"""RGB-D frames to labels of hand and object: section 3 of the paper, and what goes beyond it."""

from graspseg.annotate.annotator import Annotation, Annotator
from graspseg.annotate.evidence import Evidence
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_model import SkinModel

__all__ = ["AnnotateSettings", "Annotation", "Annotator", "Evidence", "SkinModel"]
