"""What guanxi is compared with: what a good engineer writes by hand, PostGraphile, and the limit of the stack."""
