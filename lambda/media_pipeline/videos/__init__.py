"""What is done to one video file: looked at, made into renditions, sampled. No AWS, no records; needs PyAV."""
