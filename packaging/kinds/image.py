NAME='image'
