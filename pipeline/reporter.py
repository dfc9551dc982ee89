"""Keeps status and gauges up to date, a look at the worker at a time."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from pipeline.checkpoints import Address
from pipeline.clock import Clock
from pipeline.cluster import TopicPartition
from pipeline.counts import Counts
from pipeline.dead_letters import REASONS
from pipeline.exported import Exported
from pipeline.held import Held
from pipeline.lag import Ends
from pipeline.losses import Losses
from pipeline.measures import begin
from pipeline.member import Member
from pipeline.metrics import Metrics, set_if_known
from pipeline.process import resident_memory
from pipeline.settings import Settings
from pipeline.web.status import ExpertWeight, Gates, PartitionStatus, ShardStatus, State, Status

RATE_OVER = 10.0
"""Seconds over which the rate of events is told."""
EVERY = 1.0
"""Seconds from one look into the models to the next."""


class Seen(NamedTuple):
    """The worker after a cycle."""

    state: State
    held: Mapping[TopicPartition, Held]
    counts: Counts
    losses: Losses
    drained: bool


class Told(NamedTuple):
    """A status, and when it was so, in seconds."""

    status: Status
    at: float


class Reporter:
    """What `/api/status` and `/metrics` tell.

    Parameters
    ----------
    status
        Who the worker is.
    settings
        What the model promises, and which series are exported one by one.
    metrics
        The gauges to set.
    clock
        The time.

    Attributes
    ----------
    status
        How things stand, as far as the report has come; for the worker's own thread.
    told
        How things stood at the last report, and when that was; for any thread.
    """

    def __init__(self, status: Status, settings: Settings, metrics: Metrics, clock: Clock) -> None:
        self.status, self.told = status, Told(status, clock.now())
        self._metrics, self._clock = metrics, clock
        self._recent: deque[tuple[float, int]] = deque()
        self._models: dict[TopicPartition, ShardStatus] = {}
        self._counted: dict[Address, ShardStatus] = {}  # the furthest that each was seen
        self._losing: set[tuple[str, str, str]] = set()
        self._looked = float("-inf")
        self._ends = Ends()
        self._exported = Exported(settings.metrics, metrics)
        metrics.info.labels(status.version, status.weights_digest).set(1)
        metrics.workers.set(1)
        metrics.start_timestamp_seconds.set(clock.started())
        metrics.last_commit_timestamp_seconds.set(clock.started())
        metrics.nominal_coverage.set(settings.model.quantiles[-1] - settings.model.quantiles[0])
        begin(metrics, settings.model.horizon)
        for reason in REASONS:
            metrics.dead_letters.labels(reason)
        self._is_up = False

    def change(self, settings: Settings) -> None:
        """Export the series that these settings name."""
        self._exported.wanted = settings.metrics

    def tell(self, state: State, message: str = "") -> None:
        """Say what the worker is at, where it holds nothing new to look at."""
        self.status = structs.replace(self.status, state=state, message=message)
        if state == "connecting":
            self._hold_nothing()
        self.told = Told(self.status, self._clock.now())
        if state != "stopping":
            self._metrics.up_to_date.set(state == "ready")
        if state == "ready" and not self._is_up:
            self._is_up = True
            self._metrics.startup_seconds.set(self._clock.wall() - self._clock.started())

    def _hold_nothing(self) -> None:
        self.status = structs.replace(self.status, partitions=(), events_per_second=0.0, drained=False)
        for partition in self._models:
            self._forget(partition)
        self._models, self._counted = {}, {}
        self._set_losing(())
        self._exported.clear()
        self._metrics.partitions_assigned.set(0)
        self._metrics.checkpoint_age_seconds.set(0.0)

    def report(self, seen: Seen, member: Member) -> None:
        """Take down how things stand after a cycle."""
        self._look_into_models(seen.held)
        partitions = tuple(
            self._partition(partition, held, member, seen.losses) for partition, held in sorted(seen.held.items())
        )
        counts = seen.counts
        self.status = structs.replace(
            self.status,
            partitions=partitions,
            observations=counts.observations,
            forecasts=counts.forecasts,
            superseded=counts.superseded,
            dead_letters=sum(counts.dead_letters.values()),
            late=counts.late,
            repeated=counts.repeated,
            skipped=sum(counts.skipped.values()),
            events_per_second=self._rate(counts.observations),
            drained=seen.drained,
        )
        self.tell(seen.state)
        self._metrics.partitions_assigned.set(len(partitions))
        for one in partitions:
            labels = one.topic, str(one.partition)
            set_if_known(self._metrics.lag_records, labels, one.lag)
            set_if_known(self._metrics.lag_seconds, labels, one.lag_seconds)
            self._metrics.next_offset.labels(*labels).set(one.next_offset)
        self._set_losing(partitions)
        self._exported.tell({partition: held.shard for partition, held in seen.held.items()}, self._clock.now())
        ages = [self._clock.now() - held.saved_at for held in seen.held.values()]
        self._metrics.checkpoint_age_seconds.set(max(ages, default=0.0))

    def _partition(self, partition: TopicPartition, held: Held, member: Member, losses: Losses) -> PartitionStatus:
        reached, end = member.reached(partition), member.end(partition)
        model = self._models.get(partition)
        lag = self._ends.lag(partition, reached, end, held.read_at, self._clock.wall())
        return PartitionStatus(
            topic=partition.topic,
            partition=partition.partition,
            next_offset=held.shard.next_offset,
            end_offset=end,
            lag=lag.records,
            lag_seconds=lag.seconds,
            series=0 if model is None else model.series,
            learning_steps=0 if model is None else model.learning_steps,
            drifts=0 if model is None else model.drifts,
            losses={loss.what: loss.message for loss in losses.told(partition)},
        )

    def _look_into_models(self, held: Mapping[TopicPartition, Held]) -> None:
        """Now and then: it takes a little computing."""
        if self._clock.now() - self._looked < EVERY and self._models.keys() == held.keys():
            return
        self._looked = self._clock.now()
        self._metrics.resident_memory_bytes.set(resident_memory())
        before, self._models = self._models, {partition: one.shard.status() for partition, one in held.items()}
        for partition in before.keys() - held.keys():
            self._forget(partition)
        counted, self._counted = self._counted, {}
        for partition, model in self._models.items():
            address = held[partition].address
            since = counted.get(address, model)  # what a restored shard learnt before is no work of this process
            self._counted[address] = self._set(partition, model, since)
        self._sum_up([model for model in self._models.values() if model.mae_last_value > 0])

    def _set(self, partition: TopicPartition, model: ShardStatus, since: ShardStatus) -> ShardStatus:
        """Set the gauges, and count what is new; how far that is.

        A shard that is taken up again after a cycle was given up comes by the same drifts once more.
        """
        metrics, labels = self._metrics, _labels(partition)
        metrics.series.labels(*labels).set(model.series)
        metrics.loss.labels(*labels).set(model.loss)
        metrics.gradient_norm.labels(*labels).set(model.gradient_norm)
        metrics.state_bytes.labels(*labels).set(model.state_bytes)
        furthest = structs.replace(
            since,
            learning_steps=max(model.learning_steps, since.learning_steps),
            skipped_learning_steps=max(model.skipped_learning_steps, since.skipped_learning_steps),
            drifts=max(model.drifts, since.drifts),
            breaks=max(model.breaks, since.breaks),
        )
        steps = furthest.learning_steps - since.learning_steps
        skipped = furthest.skipped_learning_steps - since.skipped_learning_steps
        metrics.learning_steps.labels(*labels).inc(steps)
        metrics.skipped_learning_steps.labels(*labels).inc(skipped)
        metrics.drifts.labels(*labels).inc(furthest.drifts - since.drifts)
        metrics.breaks.labels(*labels).inc(furthest.breaks - since.breaks)
        return furthest

    def _set_losing(self, partitions: Sequence[PartitionStatus]) -> None:
        """1 while it holds, 0 once it did; nothing of a partition that is held no more."""
        losing = {(one.topic, str(one.partition), what) for one in partitions for what in one.losses}
        held = {(one.topic, str(one.partition)) for one in partitions}
        for topic, partition, what in self._losing - losing:
            if (topic, partition) in held:
                self._metrics.losing.labels(topic, partition, what).set(0)
            else:
                self._metrics.losing.remove(topic, partition, what)
        for labels in losing:
            self._metrics.losing.labels(*labels).set(1)
        self._losing = {one for one in self._losing | losing if one[:2] in held}

    def _forget(self, partition: TopicPartition) -> None:
        """A partition that is held no more has no state here: its gauges would be stale."""
        metrics = self._metrics
        self._ends.forget(partition)
        for gauge in (
            metrics.series,
            metrics.loss,
            metrics.gradient_norm,
            metrics.state_bytes,
            metrics.lag_records,
            metrics.lag_seconds,
            metrics.next_offset,
            metrics.checkpoint_bytes,
        ):
            gauge.remove(*_labels(partition))

    def _sum_up(self, scored: Sequence[ShardStatus]) -> None:
        """Means over the shards that have been scored, each weighed by all its series, the unscored among them."""
        series = sum(model.series for model in scored)
        if not series:
            return
        ours = sum(model.series * model.mae_model for model in scored) / series
        last_value = sum(model.series * model.mae_last_value for model in scored) / series
        gates = _mean_gates(scored)
        skill = 1 - ours / last_value
        self.status = structs.replace(self.status, skill=skill, mae_model=ours, mae_last_value=last_value, gates=gates)
        self._metrics.skill.set(skill)
        self._metrics.mean_absolute_error.labels("forecast").set(ours)
        self._metrics.mean_absolute_error.labels("last_value").set(last_value)
        for gate, share in structs.asdict(gates).items():
            self._metrics.gate.labels(gate).set(share)
        self._tell_experts(_mean_weights(scored))

    def _tell_experts(self, experts: tuple[ExpertWeight, ...]) -> None:
        share = sum(one.weight for one in experts if one.needs_lstm)
        self.status = structs.replace(self.status, experts=experts, lstm_share=share)
        self._metrics.lstm_share.set(share)
        for one in experts:
            self._metrics.expert_weight.labels(one.expert).set(one.weight)

    def _rate(self, observations: int) -> float:
        """Observations a second over the last seconds, or the last cycle if that took longer."""
        now = self._clock.now()
        self._recent.append((now, observations))
        while len(self._recent) > 2 and self._recent[1][0] <= now - RATE_OVER:
            self._recent.popleft()  # the one before that time stays: a cycle may take longer
        then, before = self._recent[0]
        return (observations - before) / (now - then) if now > then else 0.0


def _labels(partition: TopicPartition) -> tuple[str, str]:
    return partition.topic, str(partition.partition)


def _mean_gates(models: Sequence[ShardStatus]) -> Gates:
    count = len(models)
    return Gates(
        forget=sum(model.gates.forget for model in models) / count,
        input=sum(model.gates.input for model in models) / count,
        output=sum(model.gates.output for model in models) / count,
    )


def _mean_weights(models: Sequence[ShardStatus]) -> tuple[ExpertWeight, ...]:
    """Each shard counts by its series."""
    series = sum(model.series for model in models)
    each = zip(*(model.experts for model in models), strict=True)
    weights = (sum(m.series * one.weight for m, one in zip(models, same, strict=True)) / series for same in each)
    return tuple(structs.replace(one, weight=weight) for one, weight in zip(models[0].experts, weights, strict=True))
