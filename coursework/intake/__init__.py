"""What came, and from whom? From a class and a delivery of files to one notebook a student, trusting none of it."""
