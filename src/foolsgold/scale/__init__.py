"""Beyond one machine, or beyond its memory: the corpus in shards, the work in calls that run anywhere."""

from foolsgold.scale.engine import Engine as Engine
from foolsgold.scale.engine import RayEngine as RayEngine
from foolsgold.scale.engine import ShardEngine as ShardEngine
from foolsgold.scale.engine import as_engine as as_engine
from foolsgold.scale.pool import Actor as Actor
from foolsgold.scale.pool import InProcessPool as InProcessPool
from foolsgold.scale.pool import Pool as Pool
from foolsgold.scale.pool import Ref as Ref
