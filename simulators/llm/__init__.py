"""A chat server that speaks the OpenAI protocol: scripted replies, fixed latency, faults on demand, no model."""
