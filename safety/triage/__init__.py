"""The crisis protocol as a pure machine: states, questions, words, waits. `safety.script` is its door."""
