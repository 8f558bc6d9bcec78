"""Coursework: assignments on the book, released, checked and graded on the instructor's own machine.

``python -m coursework --help`` lists the commands. An assignment is one text notebook, its *master*, in
``assignments/``. The rooms, each named after what it knows:

==============  ======================================================================================
`masters`     what is an assignment, and what do students get of it?
`intake`      what came, and from whom?
`sandbox`     how does a student's code run without harm?
`judging`     what is one submission worth?
`gradebook`   what has the class earned, by tests and by hand?
`handback`    what goes back to students and to the learning management system?
`overview`    what does the class show as a whole?
==============  ======================================================================================

`__main__` reads the command line and `commands` does what it says; `lean_imports` keeps the start short; `files`,
`tables` and `text` say how all of them write to the disk, read and write CSV files, and show what a stranger wrote.
"""
