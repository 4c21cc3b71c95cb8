"""The counselor's console: the queue, the case, what is done there."""
