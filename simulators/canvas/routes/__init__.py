"""The routes of Canvas's API and of its login."""
