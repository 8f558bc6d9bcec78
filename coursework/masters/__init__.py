"""What is set: assignments, read from their masters, and the numbers that make them each student's own."""
