"""A generic HTTP gateway for text messages: signed requests, idempotent by key, with a log and faults."""
