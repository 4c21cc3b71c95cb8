"""Questionnaires and logs as data: one mechanism to fill in, score, keep and read back (`definitions/*.yaml`)."""
