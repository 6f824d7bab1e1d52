"""What of a raster is data: the one place that decides it.

alpha       which band is transparency, and which only bears the tag
pixels      every form of no data of one raster as one bool mask
fill        areas that no tag declares: connected to the border, of one exact value
overviews   whether a raster's overviews show what its pixels show
user_mask   masks that people give: clouds as a raster or as polygons
"""
