NAME='deb'
