"""A receiver of signed webhooks, as an institution would run one."""
