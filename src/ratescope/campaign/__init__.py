"""What ties micrographs and rate tests together: a folder that a laboratory can fill by hand."""
