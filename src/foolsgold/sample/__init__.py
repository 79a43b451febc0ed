"""Samplers, one file each, and the stage that chooses negatives."""

from foolsgold.sample.choose import Chooser
from foolsgold.sample.group_judge import GroupJudge
from foolsgold.sample.judge import CrossEncoderJudge, judge_for
from foolsgold.sample.negatives import GIVEN, NEGATIVES_SCHEMA, RANDOM, Chosen
from foolsgold.sample.numbers import ChosenNumbers
from foolsgold.sample.outlook import Outlook, Sampled, outlook_on
from foolsgold.sample.price import Price
from foolsgold.sample.random_fill import RandomDocuments
from foolsgold.sample.sampler import Sampler
from foolsgold.sample.simans import SimANS
from foolsgold.sample.softmax import Softmax
from foolsgold.sample.suspects import SUSPECTS_SCHEMA, Suspects
from foolsgold.sample.tally import CHOSEN, Fates, Tally
from foolsgold.sample.terms import Terms
from foolsgold.sample.threshold import GUESSING, Threshold
from foolsgold.sample.top import Top
from foolsgold.sample.trade_off import TradeOff
from foolsgold.sample.uniform import Uniform

__all__ = [
    "CHOSEN",
    "GIVEN",
    "GUESSING",
    "NEGATIVES_SCHEMA",
    "RANDOM",
    "SUSPECTS_SCHEMA",
    "Chooser",
    "Chosen",
    "ChosenNumbers",
    "CrossEncoderJudge",
    "Fates",
    "GroupJudge",
    "Outlook",
    "Price",
    "RandomDocuments",
    "Sampled",
    "Sampler",
    "SimANS",
    "Softmax",
    "Suspects",
    "Tally",
    "Terms",
    "Threshold",
    "Top",
    "TradeOff",
    "Uniform",
    "judge_for",
    "outlook_on",
]
