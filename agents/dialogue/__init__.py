"""What the companion says without a language model: understand, plan, act, word."""
