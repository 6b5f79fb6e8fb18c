"""Signed maps of influence (section 2.7): above zero where a place raises the predicted capacity.

crops ─ grad_ram        C-rates × 56 × 168     which places of the last activation
      ─ guided_backprop C-rates × 224 × 672    which pixels, along paths that speak for the capacity (decision 0008)
      ─ occlude         C-rates × 32 × 96      what is lost when a square is hidden
ensemble_maps           the mean of the networks' maps, by any of them
"""
