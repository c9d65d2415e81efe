"""Average the weights of two models of one network, of which the second was trained from the first.

    python tools/assets/average_models.py FIRST SECOND --share 0.7 --out MODEL

Between a model and what it became in further training on other data lies one that often does better on data that
neither saw (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). FIRST and SECOND are model.safetensors.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from graspseg.networks.checkpoint import load_checkpoint, save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of the second model, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    share = arguments.share
    first, second = load_checkpoint(arguments.first), load_checkpoint(arguments.second)
    network = second.network
    other = first.network.state_dict()
    mixed = {
        name: (1 - share) * other[name] + share * weight if weight.is_floating_point() else weight
        for name, weight in network.state_dict().items()
    }
    network.load_state_dict(mixed)
    # The metrics are those of the second model, not of this one.
    card = replace(second.card, data={**second.card.data, "averaged": {"share": share}}, metrics={})
    save_checkpoint(arguments.out, network, card=card, half=True)
    print(arguments.out)


if __name__ == "__main__":
    main()
