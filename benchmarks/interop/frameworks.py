"""The frameworks and annotation tools whose loaders are tried, and what their environments need."""

from __future__ import annotations

from typing import NamedTuple


class Framework(NamedTuple):
    """A framework.

    Attributes:
        name: as its people write it.
        checks: the file in `checks/`, without its ending.
        packages: from the package index, with their dependencies; torch is there already.
        alone: likewise, without their dependencies, where these would bring a torch with CUDA, or nothing that reads.
        source: the name of a checkout below `--sources`, where no package index has what trains.
        needs_torch: whether it trains.
    """

    name: str
    checks: str
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()
    source: str | None = None
    needs_torch: bool = True


FRAMEWORKS = (
    Framework("sentence-transformers", "with_sentence_transformers", ("sentence-transformers[train]",)),
    Framework("FlagEmbedding", "with_flag_embedding", ("FlagEmbedding",)),
    Framework(
        "Tevatron", "with_tevatron", ("transformers", "datasets", "accelerate", "peft", "pillow"), source="tevatron"
    ),
    Framework("Tevatron of 2022", "with_tevatron_index", ("tevatron",)),
    Framework("ColBERT", "with_colbert", ("colbert-ai", "transformers<5")),  # to train; with 5 it reads
    Framework(
        "PyLate",
        "with_pylate",
        (
            "sentence-transformers==5.3.0",
            "transformers<=5.3.0",
            "datasets",
            "accelerate",
            "pandas",
            "ujson",
            "fastkmeans",
        ),
        alone=("pylate==1.6.0", "fast-plaid<=1.4.6.2110"),  # which asks for the torch of its own day
    ),
    Framework(
        "NeMo Automodel",
        "with_nemo",
        ("transformers==5.18.0", "datasets", "torchdata", "torchao", "pyyaml", "tiktoken", "pillow"),
        alone=("nemo-automodel==0.7.0",),
    ),
    Framework("DPR", "with_dpr", ("transformers<5", "hydra-core", "jsonlines", "spacy"), source="DPR"),
    Framework("ms-swift", "with_ms_swift", ("ms-swift",)),
    Framework(
        "RAG-Retrieval", "with_rag_retrieval", ("transformers<5", "accelerate", "scikit-learn"), source="RAG-Retrieval"
    ),
    Framework("Label Studio", "with_label_studio", ("label-studio-sdk",), needs_torch=False),
    Framework(
        "Argilla", "with_argilla", ("argilla", "requests"), needs_torch=False
    ),  # which it needs, and does not say
)
