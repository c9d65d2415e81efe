"""Labels are checked by people: a local web page over a folder data set, and the record of what they decided."""
