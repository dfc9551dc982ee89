"""The daemon: events in from Kafka, forecasts out to Kafka, exactly once."""
