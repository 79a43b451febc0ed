"""What a run would take, on given machines or on this one: time, memory, disk, network."""

from foolsgold.plan.constant import Constant, CoreRates
from foolsgold.plan.device import DEVICES, Device
from foolsgold.plan.machine import Machine
from foolsgold.plan.run_plan import RunPlan, plan_run
from foolsgold.plan.stage import Stage
from foolsgold.plan.units import parse_count
from foolsgold.plan.workload import Workload

__all__ = ["DEVICES", "Constant", "CoreRates", "Device", "Machine", "RunPlan", "Stage", "Workload", "parse_count",
           "plan_run"]  # fmt: skip
