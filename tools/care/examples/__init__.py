"""Messages that screening got wrong, kept with the student's consent to test it: masked, read, exported."""
