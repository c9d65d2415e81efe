"""The paper's section 3: labels from depth and color, with what speaks for and against them."""
