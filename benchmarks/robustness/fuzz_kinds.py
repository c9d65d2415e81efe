"""Every kind of file that is read or imported: a small good one, how it is read, and what is known of damaged ones."""

from __future__ import annotations

import fuzz_images
import fuzz_models
import fuzz_public
import fuzz_recordings
import fuzz_review
import fuzz_sets
from fuzz_kind import Kind

KINDS: tuple[Kind, ...] = (
    *fuzz_images.kinds(),
    *fuzz_sets.kinds(),
    *fuzz_recordings.kinds(),
    *fuzz_review.kinds(),
    *fuzz_public.kinds(),
    *fuzz_models.kinds(),
)
