"""What the companion knows from a student's Canvas: an own thin client, a sealed mirror, and what may be said of it."""
