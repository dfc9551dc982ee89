"""Laws of the lag: nothing behind is zero, what is not known is not told, and it grows with the log's end."""

from pipeline.cluster import TopicPartition
from pipeline.lag import Ends, Lag

HERE = TopicPartition("events", 0)


def test_the_lag_in_seconds_is_the_time_of_the_end_less_that_of_the_last_record_read() -> None:
    ends = Ends()
    assert ends.lag(HERE, 10, 10, 1000.0, 1000.0) == Lag(0, 0.0)
    assert ends.lag(HERE, 10, 15, 1000.0, 1030.0) == Lag(5, 30.0)
    assert ends.lag(HERE, 12, 15, 1020.0, 1040.0) == Lag(3, 10.0)  # the end is as old as before
    assert ends.lag(HERE, 12, 16, 1020.0, 1050.0) == Lag(4, 30.0)
    assert ends.lag(HERE, 16, 16, 1050.0, 1900.0) == Lag(0, 0.0)  # no record for long is no lag


def test_what_is_not_known_is_not_told() -> None:
    ends = Ends()
    assert ends.lag(HERE, None, 10, 1000.0, 1000.0) == Lag(None, None)
    assert ends.lag(HERE, 10, None, 1000.0, 1000.0) == Lag(None, None)
    assert ends.lag(HERE, 3, 10, None, 1000.0) == Lag(7, None)


def test_a_producer_whose_clock_is_ahead_makes_no_negative_lag() -> None:
    assert Ends().lag(HERE, 3, 10, 2000.0, 1000.0) == Lag(7, 0.0)


def test_a_partition_that_comes_back_begins_anew() -> None:
    ends = Ends()
    ends.lag(HERE, 3, 10, 900.0, 1000.0)
    ends.forget(HERE)
    assert ends.lag(HERE, 3, 10, 900.0, 2000.0) == Lag(7, 1100.0)
