"""Write the files of this folder that derive from others; a test compares them."""

from deploy.derived import derived

for path, text in derived().items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
