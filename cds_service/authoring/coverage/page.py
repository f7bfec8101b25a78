def page(done):
    return ""
