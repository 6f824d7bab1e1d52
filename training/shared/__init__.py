"""What several trainings share: batches, logs, pretrained parts."""
