"""What does a class show as a whole? For those who teach it; nothing here goes to a student."""
