"""Encoders, and the stage that turns a collection into vectors."""

from foolsgold.encode.dense_models import DenseModels, dense_model
from foolsgold.encode.encode import Encoded, as_encoder, encode
from foolsgold.encode.encode_texts import encode_texts
from foolsgold.encode.encoder import Encoder
from foolsgold.encode.known_models import identify
from foolsgold.encode.openai_endpoint import OpenAIEncoder
from foolsgold.encode.precomputed import PrecomputedVectors
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.vectors import Vectors

__all__ = [
    "DenseModels",
    "Encoded",
    "Encoder",
    "OpenAIEncoder",
    "PrecomputedVectors",
    "SentenceTransformerEncoder",
    "Vectors",
    "as_encoder",
    "dense_model",
    "encode",
    "encode_texts",
    "identify",
]
