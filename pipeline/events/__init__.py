"""What a record of Kafka holds: events, and the observations in them."""
