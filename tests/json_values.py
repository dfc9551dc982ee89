"""Any value of JSON, and records of any kind, for laws over inputs."""

from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
json_events = st.fixed_dictionaries(
    {}, optional={"series": json_values, "timestamp": json_values, "value": json_values, "b": json_values}
)
headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=3).map(tuple)
stamps = st.integers(-1, 2**63 - 1)
keys = st.none() | st.binary()
