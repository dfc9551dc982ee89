"""Laws of the settings: where a value comes from, and what is said to one that is wrong."""

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect, structs

from pipeline.inputs import inputs_of
from pipeline.settings import (
    INPUT,
    Events,
    Kafka,
    Metrics,
    Model,
    Settings,
    SettingsError,
    Web,
    fingerprint,
    load,
    sample,
    table,
    to_toml,
    variable,
)

SECTIONS: dict[str, type[msgspec.Struct]] = {field.name: field.type for field in structs.fields(Settings)}
KEYS = [(section, field.name) for section, struct in SECTIONS.items() for field in structs.fields(struct)]
SECRETS = [
    ("kafka", "sasl_password"),
    ("kafka", "oauth_client_secret"),
    ("kafka", "ssl_password"),
    ("web", "token"),
]
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def values(kind: inspect.Type) -> st.SearchStrategy[object]:
    """Draw what a declared type takes."""
    match kind:
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.LiteralType(values=literals):
            return st.sampled_from(literals)
        case inspect.UnionType(types=types):
            return st.one_of([values(one) for one in types])
        case inspect.VarTupleType(item_type=item, min_length=least):
            return st.lists(values(item), min_size=least or 0, max_size=5, unique=True).map(ordered)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=least, le=most):
            return st.integers(least, most)
        case inspect.FloatType(ge=least, gt=above, le=most, lt=below):
            return st.floats(
                above if least is None else least,
                below if most is None else most,
                exclude_min=above is not None,
                exclude_max=below is not None,
                allow_nan=False,
                allow_infinity=False,
            )
        case inspect.StrType(pattern=str() as pattern):
            return st.from_regex(pattern)
        case inspect.StrType(min_length=least):
            return st.text(min_size=least or 0)
    raise TypeError(kind)


def ordered(drawn: list[object]) -> tuple[object, ...]:
    numbers = sorted(one for one in drawn if isinstance(one, float))
    return (*numbers, *(one for one in drawn if not isinstance(one, float)))


def sections(struct: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {field.name: values(inspect.type_info(field.type)) for field in structs.fields(struct)}
    if struct is Kafka:
        topics = ("input", "forecasts", "dead_letters")
        names = st.lists(fields["forecasts"], min_size=3, max_size=6, unique=True)
        one_or_several = names.map(lambda drawn: (drawn[2] if len(drawn) == 3 else tuple(drawn[2:]), *drawn[:2]))
        patterns = st.sampled_from(["/.*/", r"^sensors\..*", r"/(loads|prices)-\d{2}/", "/(?i:a)b?/"])
        chosen = st.one_of(one_or_several, st.tuples(patterns, st.just("out"), st.just("dead")))
        ways = [("SASL_SSL", "PLAIN"), ("SASL_PLAINTEXT", "SCRAM-SHA-512"), ("SSL", ""), ("SASL_SSL", "OAUTHBEARER")]
        signed = st.sampled_from([*ways, ("SASL_SSL", "AWS_MSK_IAM"), ("SASL_PLAINTEXT", "GSSAPI")])
        needed = ("sasl_username", "sasl_password", "oauth_client_id", "oauth_client_secret", "ssl_certfile")
        fields |= dict.fromkeys(needed, st.text(min_size=1))
        fields["oauth_token_url"] = st.sampled_from(["https://login.example.org/token", "http://[::1]:80/"])
        return st.builds(
            lambda names, sign_in, **rest: Kafka(
                **{**rest, **dict(zip(topics, names, strict=True))},
                security_protocol=sign_in[0],
                sasl_mechanism=sign_in[1],
            ),
            chosen,
            signed,
            **{
                key: drawn
                for key, drawn in fields.items()
                if key not in (*topics, "security_protocol", "sasl_mechanism")
            },
        )
    if struct is Web:
        fields["token"] = st.just("") | st.from_regex(r"[!-~]{8,20}", fullmatch=True)
        fields["tls_certfile"] = st.text(min_size=1)
    if struct is Model:
        fields["memory"] = st.integers(11_000, 1_000_000)  # room for the longest window and the longest horizon
        fields["pretrained"] = st.just(True)  # without it there are no weights
        fields["bounds"] = st.lists(
            st.sampled_from(("*.percent = 0..100", "a = ..7.5", "* = recognise")), unique=True
        ).map(tuple)
    if struct is Events:
        fields |= PATHS
    if struct is Metrics:
        fields["steps"] = st.just((1,))  # within any horizon
    return st.builds(struct, **fields)


names = st.text(st.characters(exclude_characters=""".[]{}"'""", exclude_categories=["Cs"]), min_size=1)
paths = st.lists(names | names.map('"{}.x"'.format), min_size=1, max_size=4).map(".".join)
in_braces = paths.filter(lambda path: path == path.strip())  # space around a field in braces is none of it
several_paths = st.lists(paths, max_size=3, unique=True).map(tuple)
PATHS = {
    "series": paths | in_braces.map("{{{}}}/x".format) | st.sampled_from(["{key}", "{header:id}", "'boiler'"]),
    "timestamp": paths | st.sampled_from(["{header:time}", "{date} {time}"]),
    "timestamp_format": st.sampled_from(["auto", "s", "ns", "days", "%d/%m/%Y"]),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
    "values": several_paths.filter(bool),
    "covariates": several_paths,
    "points": several_paths.map(lambda drawn: tuple(f"{path}[]" for path in drawn)) | st.just(("senml",)),
    "where": st.lists(st.sampled_from(["type = x", "a.b =~ x.*", "{key} exists"]), unique=True).map(tuple),
}
anything = st.builds(Settings, **{name: sections(struct) for name, struct in SECTIONS.items()})


def texts(chosen: Settings) -> dict[tuple[str, str], str]:
    """Each value as one would type it: secrets as they are, all else as TOML."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in to_toml(chosen, mask=False).split("\n"):
        key, equals, text = line.partition(" = ")
        section = section if equals else line.strip("[]")
        if equals:
            is_secret = (section, key) in SECRETS
            found[section, key] = tomllib.loads(line)[key] if is_secret else text
    return found


def refusal(path: str | None = None, environment: dict[str, str] | None = None, overrides: tuple[str, ...] = ()) -> str:
    """What is said to settings that are wrong; nothing to right ones."""
    try:
        load(path, environment or {}, overrides)
    except SettingsError as error:
        return str(error)
    return ""


def is_one_line_from(source: str, said: str) -> bool:
    return said.startswith(f"{source}: ") and len(said.splitlines()) == 1


@one_file
@given(anything)
def test_what_is_written_is_read_back(tmp_path: Path, chosen: Settings) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(to_toml(chosen, mask=False), encoding="utf-8")
    assert load(str(file), {}, []) == chosen


@given(anything)
def test_the_environment_can_say_all_that_a_file_can(chosen: Settings) -> None:
    assert load(None, {variable(*key): text for key, text in texts(chosen).items()}, []) == chosen


@given(anything)
def test_overrides_can_say_all_that_a_file_can(chosen: Settings) -> None:
    assert load(None, {}, [f"{section}.{key}={text}" for (section, key), text in texts(chosen).items()]) == chosen


def test_nothing_given_gives_the_defaults() -> None:
    assert load(None, {}, []) == Settings()


@pytest.mark.parametrize(("file", "environment", "override", "expected"), [
    (None, None, None, 24), (1, None, None, 1), (1, 2, None, 2), (1, 2, 3, 3), (None, 2, 3, 3), (1, None, 3, 3),
])  # fmt: skip
def test_overrides_win_over_the_environment_and_it_over_the_file(
    tmp_path: Path, file: int | None, environment: int | None, override: int | None, expected: int
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("" if file is None else f"[model]\nhorizon = {file}")
    variables = {} if environment is None else {"LSTM_STREAM_MODEL__HORIZON": str(environment)}
    overrides = [] if override is None else [f"model.horizon={override}"]
    assert load(str(path), variables, overrides).model.horizon == expected


def test_a_source_changes_only_what_it_names() -> None:
    changed = load(None, {"LSTM_STREAM_WEB__PORT": "0"}, ["model.horizon=3"])
    assert changed == Settings(model=Model(horizon=3), web=structs.replace(Settings().web, port=0))


@pytest.mark.parametrize(("text", "group"), [
    ("x", "x"), ("'x y'", "x y"), ('"x"', "x"), ("5", "5"), ("true", "true"), ("2024-01-01", "2024-01-01"),
    ("[1]", "[1]"), (" x ", "x"), ("a # b", "a # b"), ("5 # b", "5 # b"), ("1\ny = 2", "1\ny = 2"), ("'open", "'open"),
])  # fmt: skip
def test_text_that_is_no_toml_text_stands_for_itself(text: str, group: str) -> None:
    assert load(None, {}, [f"kafka.group={text}"]).kafka.group == group
    assert load(None, {"LSTM_STREAM_KAFKA__GROUP": text}, []).kafka.group == group


@pytest.mark.parametrize("password", ["12345", '"quoted"', " blank ", "a=b", "[x]", "ünï # cödé"])
def test_a_password_is_taken_letter_by_letter(password: str) -> None:
    assert load(None, {"LSTM_STREAM_KAFKA__SSL_PASSWORD": password}, []).kafka.ssl_password == password
    assert load(None, {}, [f"kafka.ssl_password={password}"]).kafka.ssl_password == password


def test_lists_and_the_three_kinds_of_step_can_be_given_as_text() -> None:
    chosen = load(None, {"LSTM_STREAM_EVENTS__VALUES": '["temp", "rpm"]'}, ["model.quantiles=[0.1, 0.9]"])
    assert chosen.events.values == ("temp", "rpm")
    assert chosen.model.quantiles == (0.1, 0.9)
    assert [load(None, {}, [f"events.step={step}"]).events.step for step in ("event", "infer", "60", "0.5")] == [
        "event", "infer", 60.0, 0.5,
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "names", "pattern"), [
    ("loads", ("loads",), None),
    ("123", ("123",), None),
    ('"loads"', ("loads",), None),
    ('["loads", "prices"]', ("loads", "prices"), None),
    ("['loads']", ("loads",), None),
    (r"/sensors\..*/", (), r"sensors\..*"),
    (r"'/sensors\..*/'", (), r"sensors\..*"),
    (r"^sensors\..*", (), r"^sensors\..*"),
])  # fmt: skip
def test_the_input_is_a_topic_several_or_a_pattern(text: str, names: tuple[str, ...], pattern: str | None) -> None:
    kafka = load(None, {}, [f"kafka.input={text}"]).kafka
    assert (kafka.inputs, kafka.input_pattern) == (names, pattern)
    assert load(None, {"LSTM_STREAM_KAFKA__INPUT": text}, []).kafka == kafka


@given(st.text(max_size=12))
def test_a_pattern_is_refused_at_the_start_or_can_be_applied(text: str) -> None:
    said = refusal(overrides=(f"kafka.input=/{text}/",))
    assert not said or is_one_line_from("--set kafka.input", said)
    if not said:
        inputs_of(load(None, {}, [f"kafka.input=/{text}/"]).kafka).among(["events", text, "forecasts"])


@pytest.mark.parametrize(("override", "fix"), [
    ("model.horizn=3", "unknown key `horizn` in [model]; did you mean `horizon`?"),
    ("modle.horizon=3", "unknown section `modle`; did you mean `model`?"),
    ("group.x=3", "unknown section `group`; the key is in [kafka]"),
    ("log.zzz=3", "unknown key `zzz` in [log]; known are level, format"),
    ("model.horizon=0", "model.horizon is 0; expected a whole number from 1 to 1000"),
    ("model.horizon=2.5", "model.horizon is 2.5; expected a whole number from 1 to 1000"),
    ("model.horizon=many", 'model.horizon is "many"; expected a whole number from 1 to 1000'),
    ("model.horizon=true", "model.horizon is true; expected a whole number from 1 to 1000"),
    ("model.horizon=", 'model.horizon is ""; expected a whole number from 1 to 1000'),
    ("model.effort=nan", "model.effort is nan; expected a number from 0 to 1000"),
    ("delivery.deadline=inf", "delivery.deadline is inf; expected a number above 0"),
    ("model.quantiles=[nan]", "model.quantiles is [nan]; expected a list of one or more, each a number above 0"
     " below 1"),
    ("model.quantiles=[0.9, 0.1]", "model.quantiles is [0.9, 0.1]; each must lie between 0 and 1 and"
     " above the one before, such as [0.1, 0.9]"),
    ("events.values=temp", 'events.values is "temp"; expected a list of one or more, each text that is not empty'),
    ("events.values=[]", "events.values is []; expected a list of one or more, each text that is not empty"),
    ("events.values=['a', 'a']", 'events.values is ["a", "a"]; name each path once'),
    ("events.covariates=holiday", 'events.covariates is "holiday"; expected a list, each text that is not empty'),
    ("events.covariates=['']", 'events.covariates is [""]; expected a list, each text that is not empty'),
    ("events.covariates=['a', 'a']", 'events.covariates is ["a", "a"]; name each path once'),
    ("events.key=long", 'events.key is "long"; expected "hex" or "int" or "json" or "utf8" or "windowed"'),
    ("events.absent=drop", 'events.absent is "drop"; expected "refuse" or "skip"'),
    ("events.booleans=yes", 'events.booleans is "yes"; expected true or false'),
    ("events.step=often", 'events.step is "often"; expected "event" or "infer" or a number from 0.001 to 31622400'),
    ("events.step=0", 'events.step is 0; expected "event" or "infer" or a number from 0.001 to 31622400'),
    ("kafka.input=a b", f'kafka.input is "a b"; expected {INPUT}'),
    ("kafka.input=..", f'kafka.input is ".."; expected {INPUT}'),
    ("kafka.input=", f'kafka.input is ""; expected {INPUT}'),
    ("kafka.input=loads,prices", f'kafka.input is "loads,prices"; expected {INPUT}'),
    ("kafka.input=[]", f"kafka.input is []; expected {INPUT}"),
    ("kafka.input=[1]", f"kafka.input is [1]; expected {INPUT}"),
    ("kafka.input=['a', '/b/']", f'kafka.input is ["a", "/b/"]; expected {INPUT}'),
    ("kafka.input=['a', 'a']", 'kafka.input is ["a", "a"]; name each topic once'),
    ("kafka.input=['a', 'dead-letters']", 'kafka.input and kafka.dead_letters are both "dead-letters"; use two topics'),
    ("kafka.input=/a", 'kafka.input is "/a"; a pattern stands between two slashes'),
    ("kafka.input=//", 'kafka.input is "//"; a pattern stands between two slashes'),
    ("kafka.input=^(a", 'kafka.input is "^(a", and no regular expression of Python\'s: missing ), unterminated'
     ' subpattern; correct it, such as "/sensors\\..*/", or "/(?i:sensors)\\..*/" for any case'),
    ("kafka.input=/(?i)a/", 'kafka.input is "/(?i)a/", and no regular expression of Python\'s: global flags not at the'
     ' start of the expression; correct it, such as "/sensors\\..*/", or "/(?i:sensors)\\..*/" for any case'),
    ("kafka.input=forecasts", 'kafka.input and kafka.forecasts are both "forecasts"; use two topics'),
    ("kafka.session_timeout=0.5", "kafka.session_timeout is 0.5; expected a number from 1"),
    ("kafka.group=", 'kafka.group is ""; expected text that is not empty'),
    ("delivery.mode=never", 'delivery.mode is "never"; expected "at_least_once" or "exactly_once"'),
    ("kafka.sasl_mechanism=PLAIN", 'kafka.security_protocol is "PLAINTEXT" and kafka.sasl_mechanism'
     ' is "PLAIN"; set both to sign in, or neither'),
    ("model.horizon", "expected SECTION.KEY=VALUE, such as --set model.horizon=24"),
    ("horizon=3", "expected SECTION.KEY=VALUE, such as --set model.horizon=24"),
])  # fmt: skip
def test_the_answer_to_a_wrong_override_is_its_fix(override: str, fix: str) -> None:
    assert refusal(overrides=(override,)) == f"--set {override.partition('=')[0]}: {fix}"


@pytest.mark.parametrize(("override", "fix"), [
    ("events.values=['a..b']", '"a..b" is no path at character 2; expected names with dots between them, such as'
     ' data.value, labels."app.io/name" or points[0]'),
    ("events.series={headers:ce_source}", '"{headers:ce_source}" is no header; expected {header:NAME}'),
    ("events.series={header:}", '"{header:}" is no header; expected {header:NAME}'),
    ("events.series={name", '"{name" has a brace without its partner; expected such as {name}/{tags.host}'),
    ("events.series={}", '"" is no path at character 0'),
    ("events.timestamp='\"\"'", "is no path at character 0"),
    ("events.timestamp=\"'noon'\"", "which is constant; name a field, such as timestamp or {header:NAME}"),
    ("events.timestamp_format=seconds", '"seconds" is no format of a time; expected "auto", "s", "ms", "us", "ns",'
     ' "days", "minutes", "hours", "excel", "ticks", "filetime", or a pattern such as "%d/%m/%Y %H:%M"'),
    ("events.timestamp_format=%d.%m.", '"%d.%m." tells no year; a time needs one: %Y'),
    ("events.timezone=Berlin", 'unknown time zone "Berlin"; expected one such as "Europe/Berlin"'),
    ("events.points=['metrics']", '"metrics" is no array to explode; end it in [], such as "metrics[]"'),
    ("events.points=['senml', '[]']", '"senml" is a form of its own; give no paths beside it'),
    ("events.where=['type']", '"type" is no condition; expected FIELD = TEXT, FIELD != TEXT, FIELD =~ PATTERN,'
     " FIELD !~ PATTERN, FIELD exists or FIELD absent"),
    ("events.where=['a =~ (']", '"a =~ (" holds no regular expression: missing ), unterminated subpattern'),
])  # fmt: skip
def test_where_events_keep_their_fields_is_checked_at_the_start(override: str, fix: str) -> None:
    key = override.partition("=")[0]
    said = refusal(overrides=(override,))
    assert said.startswith(f"--set {key}: {key}")
    assert fix in said


@pytest.mark.parametrize(("content", "fix"), [
    (b"[model]\nhorizn = 3", "unknown key `horizn` in [model]; did you mean `horizon`?"),
    (b"group = 'x'", "unknown section `group`; the key is in [kafka]"),
    (b"model = 3", "model is 3; expected a section, [model]"),
    (b"[model.horizon]\nx = 3", "model.horizon is {x = 3}; expected a whole number from 1 to 1000"),
    (b"[kafka]\ngroup = 3", "kafka.group is 3; expected text that is not empty"),
    (b"[kafka]\ngroup = 1979-05-27", "kafka.group is 1979-05-27; expected text that is not empty"),
    (b"[kafka]\nsasl_password = 31337", "kafka.sasl_password is ********; expected text"),
    (b"[kafka]\ngroup = x", "not TOML: Invalid value (at line 2, column 9); text needs quotes, a section [brackets]"),
    (b"[kafka]\ngroup = '\xff'", "byte 17 is not UTF-8; save the file as UTF-8"),
])  # fmt: skip
def test_the_answer_to_a_wrong_file_is_its_fix(tmp_path: Path, content: bytes, fix: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    assert refusal(str(file)) == f"{file}: {fix}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.toml"
    assert refusal(str(missing)) == f"{missing}: No such file or directory; name a settings file that can be read"
    assert refusal(str(tmp_path)).startswith(f"{tmp_path}: Is a directory;")


def test_a_wrong_variable_is_named() -> None:
    assert refusal(environment={"LSTM_STREAM_WEB__PORT": "99999"}) == (
        "LSTM_STREAM_WEB__PORT: web.port is 99999; expected a whole number from 0 to 65535"
    )
    assert refusal(environment={"LSTM_STREAM_KAFKA__GRUOP": "x"}) == (
        "LSTM_STREAM_KAFKA__GRUOP: unknown key `gruop` in [kafka]; did you mean `group`?"
    )
    assert refusal(environment={"LSTM_STREAM_KAFKA_GROUP": "x"}) == (
        "LSTM_STREAM_KAFKA_GROUP: a section ends in two underscores; name it LSTM_STREAM_KAFKA__GROUP"
    )


def test_variables_of_others_are_left_alone() -> None:
    kubernetes = {"LSTM_STREAM_PORT": "tcp://10.0.0.1:8000", "LSTM_STREAM_WEB_PORT": "tcp://10.0.0.1:8000"}
    assert load(None, {"PATH": "/bin", "KAFKA__GROUP": "x", **kubernetes}, []) == Settings()


def test_signing_in_needs_a_name_and_a_password() -> None:
    sasl = ("kafka.security_protocol=SASL_SSL", "kafka.sasl_mechanism=PLAIN", "kafka.sasl_username=ada")
    assert refusal(overrides=sasl) == (
        "--set kafka.security_protocol, --set kafka.sasl_mechanism, --set kafka.sasl_username: kafka.sasl_mechanism"
        ' "PLAIN" needs a name and a password; set LSTM_STREAM_KAFKA__SASL_PASSWORD'
    )
    assert load(None, {"LSTM_STREAM_KAFKA__SASL_PASSWORD": "x"}, sasl).kafka.sasl_password == "x"


@given(key=st.sampled_from(KEYS), text=st.text())
def test_any_text_is_a_setting_or_one_line_that_names_its_source(key: tuple[str, str], text: str) -> None:
    said = refusal(environment={variable(*key): text})
    assert not said or is_one_line_from(variable(*key), said)


@one_file
@given(st.one_of(st.binary(), st.text().map(str.encode), st.text().map(lambda text: f"['''{text}''']\n".encode())))
def test_any_file_is_settings_or_one_line_that_names_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    said = refusal(str(file))
    assert not said or is_one_line_from(str(file), said)


def test_secrets_are_masked_and_only_they() -> None:
    kafka = Kafka(sasl_password="hunter2", ssl_password="hunter3", oauth_client_secret="hunter4")
    shown = tomllib.loads(to_toml(Settings(kafka=kafka, web=Web(token="hunter-56"))))
    assert {shown[section][key] for section, key in SECRETS} == {"********"}
    assert to_toml(Settings()) == to_toml(Settings(), mask=False), "an empty secret is shown to be empty"


def test_settings_made_by_hand_are_checked_together_too() -> None:
    with pytest.raises(SettingsError, match="each must lie between 0 and 1"):
        Model(quantiles=(0.5, 1.5))
    with pytest.raises(SettingsError, match="name each path once"):
        Events(values=("a", "a"))


def test_the_sample_says_the_defaults_with_and_without_its_marks(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(sample())
    assert load(str(file), {}, []) == Settings()
    assert tomllib.loads(sample()) == {section: {} for section in SECTIONS}
    unmarked = "\n".join(line.removeprefix("#") if line[1:2] != " " else line for line in sample().split("\n"))
    assert tomllib.loads(unmarked) == tomllib.loads(to_toml(Settings()))


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_setting_is_explained_in_the_table(section: str, key: str) -> None:
    rows = [line for line in table().splitlines() if line.startswith(f"| `{section}.{key}` |")]
    assert len(rows) == 1
    assert len(rows[0].split(" | ")) == 3
    assert len(rows[0].split(" | ")[2]) > 12


def test_a_fingerprint_holds_what_shapes_the_state_and_survives_json() -> None:
    shaping = {f"{section}.{key}" for section, key in KEYS if section == "model"}
    shaping |= {f"events.{key}" for key in ("covariates", "step", "max_gap", "restart_after", "values")}
    made = fingerprint(Settings(), "abc")

    def changed(*overrides: str) -> dict[str, object]:
        return fingerprint(load(None, {}, overrides), "abc")

    assert set(made) == shaping
    assert json.loads(json.dumps(made)) == made
    assert changed("kafka.group=x", "web.port=1") == made
    assert changed("model.horizon=1") == made | {"model.horizon": 1}
    assert changed('events.covariates=["a"]') == made | {"events.covariates": ["a"]}
    assert changed('events.values=["a"]') == made | {"events.values": "a"}
    assert changed("model.weights=/elsewhere/weights.safetensors") == made
    assert fingerprint(Settings(), "def") == made | {"model.weights": "def"}
    several = [changed(f"events.values={paths}") for paths in ('["a", "b"]', '["a", "b", "c"]')]
    assert several == [made | {"events.values": "several"}] * 2


def test_a_step_beyond_the_horizon_cannot_be_exported() -> None:
    assert load(None, {}, ["model.horizon=3", "metrics.steps=[1, 3]"]).metrics.steps == (1, 3)
    with pytest.raises(SettingsError, match=r"--set metrics.steps: metrics.steps is \[1, 4\], and model.horizon is 3"):
        load(None, {}, ["model.horizon=3", "metrics.steps=[1, 4]"])


def test_a_memory_too_short_for_window_and_horizon_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"model\.memory is 60; .* need 72 values at least"):
        load(None, {}, ["model.memory=60"])
