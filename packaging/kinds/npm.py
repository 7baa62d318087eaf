NAME='npm'
