"""What a change of settings asks for: nothing, a restart, or a checkpoint made anew."""

import msgspec
from msgspec import structs

from pipeline.settings.daemon import Settings
from pipeline.settings.declared import FIELDS


def reloaded(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...], tuple[str, ...]]:
    """Take over what can change while the daemon runs.

    Returns
    -------
    Settings, tuple, tuple
        The settings from now on; the keys that changed, such as ``log.level``; those whose change needs a restart.
    """
    before, after = structs.asdict(old), structs.asdict(new)
    changed = [
        (name, key)
        for name in FIELDS
        for key in FIELDS[name]
        if structs.asdict(before[name])[key] != structs.asdict(after[name])[key]
    ]
    taken = [(name, key) for name, key in changed if FIELDS[name][key].is_reloaded]
    for name, key in taken:
        before[name] = structs.replace(before[name], **{key: structs.asdict(after[name])[key]})
    left = tuple(f"{name}.{key}" for name, key in changed if (name, key) not in taken)
    return Settings(**before), tuple(f"{name}.{key}" for name, key in taken), left


def fingerprint(settings: Settings, weights: str) -> dict[str, object]:
    """Say what shapes a shard's state: a checkpoint made with another fingerprint does not fit.

    The pretrained network's weights are told by their digest, wherever they lie. One value path is told, since its
    series would go on with what lies at another. Several are told only as such: they make groups, and are in the
    series' names. The values are such as JSON gives back.
    """
    shaping = [("model", key) for key in FIELDS["model"]]
    shaping += [("events", key) for key in ("covariates", "step", "max_gap", "restart_after")]
    values = msgspec.json.decode(msgspec.json.encode(settings))
    shaped = {f"{section}.{key}": values[section][key] for section, key in shaping}
    paths = values["events"]["values"]
    shaped["model.weights"] = weights
    return shaped | {"events.values": paths[0] if len(paths) == 1 else "several"}
