"""Reports: numbers, and their short form for a terminal."""

from foolsgold.report.dataset_card import PushedData, dataset_card
from foolsgold.report.report import make_report
from foolsgold.report.stages import Stages
from foolsgold.report.summary import Example, summary_lines

__all__ = ["Example", "PushedData", "Stages", "dataset_card", "make_report", "summary_lines"]
