"""What is an assignment, and what do students get of it?"""
