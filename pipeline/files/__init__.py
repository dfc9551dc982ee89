"""Files as tables of time series: read rightly, or refused with the option that chooses."""
