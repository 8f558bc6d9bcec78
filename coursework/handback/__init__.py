"""What goes back: a page for each student, a file for the learning management system."""
