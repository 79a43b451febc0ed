"""Samplers, one file each, and the stage that chooses negatives."""

from foolsgold.sample.choose import Chooser, Sampler, Tally
from foolsgold.sample.judge import CrossEncoderJudge, GroupJudge, judge_for
from foolsgold.sample.negatives import NEGATIVES_SCHEMA, RANDOM, Chosen
from foolsgold.sample.top import Top
from foolsgold.sample.uniform import Uniform

__all__ = [
    "NEGATIVES_SCHEMA",
    "RANDOM",
    "Chooser",
    "Chosen",
    "CrossEncoderJudge",
    "GroupJudge",
    "Sampler",
    "Tally",
    "Top",
    "Uniform",
    "judge_for",
]
