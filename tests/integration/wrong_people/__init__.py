"""Everything the service can be asked, as each person who has no business there. What is not named here fails."""
