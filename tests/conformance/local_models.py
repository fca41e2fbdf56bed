"""Models with random weights, where libraries are installed that embed by any model: nothing is fetched."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

CLIP = "labelcue-tiny"
CLIP_CONFIG: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1},
}


@cache
def name_of(kind: str) -> str:
    """What an embedder of this kind is called that can be loaded; of a library that is not there, just any."""
    if kind not in _MAKERS:
        return kind
    library, make = _MAKERS[kind]
    if importlib.util.find_spec(library) is None:
        return f"{kind}:any/some"
    return f"{kind}:{make(Path(tempfile.mkdtemp(prefix='labelcue-model-')))}"


def _timm(folder: Path) -> str:
    import timm
    from safetensors.torch import save_file

    model = timm.create_model("test_vit", pretrained=False)
    told = {name: model.pretrained_cfg[name] for name in ("input_size", "mean", "std", "num_classes", "classifier")}
    about = {"architecture": "test_vit", "num_features": model.num_features, "pretrained_cfg": told}
    (folder / "config.json").write_text(json.dumps(about))
    save_file(model.state_dict(), folder / "model.safetensors")
    return f"local-dir:{folder}"


def _open_clip(folder: Path) -> str:
    import open_clip
    from safetensors.torch import save_file

    (folder / f"{CLIP}.json").write_text(json.dumps(CLIP_CONFIG))
    open_clip.add_model_config(folder)
    save_file(open_clip.create_model(CLIP).state_dict(), folder / "weights.safetensors")
    return f"{CLIP}/{folder / 'weights.safetensors'}"


def _sentence_transformers(folder: Path) -> str:
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from labelcue import data

    try:
        from sentence_transformers.sentence_transformer import modules
    except ImportError:  # before its release 5.4
        from sentence_transformers import models as modules
    tokens = Path(data.__file__).parent / "minilm-tokenizer.json"
    words = PreTrainedTokenizerFast(tokenizer_file=str(tokens), pad_token="[PAD]", unk_token="[UNK]")
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    words.save_pretrained(folder / "bert")
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder / "bert")
    bert = modules.Transformer(str(folder / "bert"), max_seq_length=64)
    SentenceTransformer(modules=[bert, modules.Pooling(32)]).save(str(folder / "whole"))
    return str(folder / "whole")


_MAKERS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "timm": ("timm", _timm),
    "open-clip": ("open_clip", _open_clip),
    "sentence-transformers": ("sentence_transformers", _sentence_transformers),
}
