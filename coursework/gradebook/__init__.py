"""What has the class earned? A folder of grades: results of the tests, marks given by hand, one table of all."""
